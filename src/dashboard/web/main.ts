/** Starts the page. */
import { App } from './app.ts'
import { part } from './dom.ts'
import { Feed } from './feed.ts'
import { startTheme } from './theme.ts'

const app = new App(document)
startTheme(part(document, 'theme'), () => app.repaint())
new Feed('/events', app).start()
