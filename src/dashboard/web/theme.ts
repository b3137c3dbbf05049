/** Dark or light: as the system says, until somebody says otherwise; that is remembered. */

const KEY = 'sluice-theme'

type Theme = 'dark' | 'light'

/**
 * Makes the button work.
 * @param changed is told whenever the colours are others
 */
export function startTheme(button: HTMLElement, changed: () => void): void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  let chosen = recall()
  const now = (): Theme => chosen ?? (system.matches ? 'dark' : 'light')
  const apply = (): void => {
    const [theme, other] = now() === 'dark' ? ['dark', 'Light'] : ['light', 'Dark']
    document.documentElement.dataset.theme = theme
    button.textContent = other
    button.setAttribute('aria-label', `${other} theme`)
    changed()
  }
  button.addEventListener('click', () => {
    chosen = now() === 'dark' ? 'light' : 'dark'
    remember(chosen)
    apply()
  })
  system.addEventListener('change', apply)
  apply()
}

/** Browsers that keep nothing throw: then the choice holds until the page is closed. */
function remember(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme)
  } catch {}
}

function recall(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'dark' || kept === 'light' ? kept : undefined
  } catch {
    return undefined
  }
}
