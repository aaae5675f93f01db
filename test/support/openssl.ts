import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Runs the `openssl` command in a directory of its own that holds `files`, and returns what it printed.
 * Throws with its words on stderr when it fails.
 */
export function openssl(
  args: readonly string[],
  files: Readonly<Record<string, string | Uint8Array>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-openssl-'))
  try {
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), content, { mode: 0o600 })
    return execFileSync('openssl', args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
