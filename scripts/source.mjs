// Reads a TypeScript file without a parser: blanks what is not code, then finds its imports.

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{;+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield))$/
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y

/** @param {string} text */
const blank = (text) => text.replace(/[^\n]/g, ' ')

/**
 * The source with comments, regular expressions and the insides of strings turned to spaces. Length and
 * line breaks stay, so an offset in the result is an offset in the source; `${}` in a template stays code.
 * @param {string} source
 */
export function codeOnly(source) {
  let code = ''
  /** @param {RegExp} pattern */
  const next = (pattern) => {
    pattern.lastIndex = code.length
    return pattern.exec(source)?.[0] ?? ''
  }
  let depth = 0
  /** @type {number[]} */
  const depthsOfTemplates = []
  const templateText = () => {
    code += blank(next(TEMPLATE_TEXT))
    if (source[code.length] === '$') {
      code += '${'
      depthsOfTemplates.push(depth++)
    } else if (code.length < source.length) code += '`'
  }
  while (code.length < source.length) {
    const char = source[code.length] ?? ''
    let skipped = ''
    if (char === '/') {
      skipped = next(COMMENT)
      if (skipped === '' && REGEX_MAY_FOLLOW.test(code.slice(-200).trimEnd())) skipped = next(REGEX)
      code += blank(skipped)
    } else if (char === "'" || char === '"') {
      skipped = next(STRING)
      if (skipped !== '') code += char + blank(skipped.slice(1, -1)) + char
    }
    if (skipped !== '') continue
    code += char
    if (char === '`') templateText()
    else if (char === '{') depth++
    else if (char === '}' && --depth === depthsOfTemplates.at(-1)) {
      depthsOfTemplates.pop()
      templateText()
    }
  }
  return code
}

const CLAUSE = String.raw`(?:[\w$]+\s*,?\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^{}]*\})?\s*`
const STATEMENT = new RegExp(
  String.raw`(?<![.\w$#])(?:import|export)\b\s*(?:(?<type>type\b\s*)?(?<clause>${CLAUSE})from\s*)?(?=['"])`,
  'g',
)
const CALL = /(?<![.\w$#])(?<type>typeof\s+)?(?:import|require)\s*\(\s*(?=['"])/g

/**
 * Every static import, re-export, `import()` and `require()`. An import whose names are all marked
 * `{ type A }` is a value import: with verbatimModuleSyntax the module is still loaded.
 * @param {string} source
 * @param {string} code what codeOnly made of the source
 */
export function importsOf(source, code) {
  return [...code.matchAll(STATEMENT), ...code.matchAll(CALL)]
    .map((match) => {
      const start = match.index + match[0].length
      const end = code.indexOf(/** @type {string} */ (code[start]), start + 1)
      return {
        specifier: source.slice(start + 1, end),
        clause: match.groups?.clause ?? '',
        typeOnly: match.groups?.type !== undefined,
        start: match.index,
        end: end + 1,
      }
    })
    .sort((a, b) => a.start - b.start)
}

/**
 * @param {string} source
 * @param {number} offset
 */
export const lineAt = (source, offset) => source.slice(0, offset).split('\n').length
