/** The list of what could be better: how bad, what was seen, why it hurts, what to change. */
import type { Finding } from '../../monitor/finding.ts'
import { make, part, Rows, setAttribute, setHidden, setText } from './dom.ts'

export class AdviceList {
  readonly #rows: Rows<Finding>
  readonly #empty: HTMLElement

  constructor(root: HTMLElement) {
    this.#empty = part(root, 'empty')
    this.#rows = new Rows(
      part(root, 'advice-list'),
      ({ code, title }) => `${code} ${title.replace(/\d+/g, '0')}`,
      makeFinding,
    )
  }

  show(findings: readonly Finding[]): void {
    setHidden(this.#empty, findings.length > 0)
    this.#rows.show(findings)
  }
}

function makeFinding() {
  const node = make('li', 'finding')
  const head = make('h4')
  const [severity, title] = [make('span', 'severity'), make('span')]
  head.append(severity, ' ', title)
  const [evidence, reason, change] = [make('p', 'evidence'), make('p', 'reason'), make('p', 'change')]
  node.append(head, evidence, reason, change)
  return {
    node,
    show: (finding: Finding) => {
      setAttribute(node, 'data-severity', finding.severity)
      setText(severity, finding.severity)
      setText(title, finding.title)
      setText(evidence, finding.evidence)
      setText(reason, finding.reason)
      setText(change, finding.change)
    },
  }
}
