/**
 * The documents of a properties file, by the rules of java.util.Properties: `=`, `:` or white space after the name, comments
 * with `#` or `!`, escapes, and a backslash at the end of a line that goes on. A line `#---` begins a new document (Spring).
 */
export function readProperties(text: string): [name: string, value: string][][] {
  const documents: [string, string][][] = [[]]
  const lines = text.split(/\r\n|\n|\r/)
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.replace(/^[ \t\f]+/, '')
    if (/^[#!]---\s*$/.test(line)) documents.push([])
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue
    while (goesOn(line)) line = line.slice(0, -1) + (lines[++i] ?? '').replace(/^[ \t\f]+/, '')
    const name = /^(?:\\.|[^\\=: \t\f])*/.exec(line)![0]
    const value = line.slice(name.length).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    documents.at(-1)!.push([unescaped(name), unescaped(value)])
  }
  return documents
}

/** An even number of backslashes at the end stands for themselves. */
const goesOn = (line: string) => /\\*$/.exec(line)![0].length % 2 === 1

const unescaped = (text: string) =>
  text.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, escaped: string) =>
    escaped.length === 5
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (controls[escaped] ?? escaped),
  )

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }
