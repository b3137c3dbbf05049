// Puts what tsc leaves out of the dashboard's page, its HTML and its style, beside what it has compiled.

import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const from = join(root, 'src/dashboard/web')
for (const file of readdirSync(from).filter((name) => /\.(?:css|html)$/.test(name)))
  copyFileSync(join(from, file), join(root, 'dist/dashboard/web', file))
