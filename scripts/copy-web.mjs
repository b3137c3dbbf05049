// Puts what tsc leaves out of the dashboard's page, its HTML and its style, beside what it has compiled.

import { copyFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
for (const file of ['index.html', 'style.css']) {
  copyFileSync(join(root, 'src/dashboard/web', file), join(root, 'dist/dashboard/web', file))
}
