import type { Log } from '../context.ts'

const administrative = /ADMIN|SUPER/i

/**
 * Leaves the described warning where somebody comes to the role of an administrator. `to`: whom, for people; `who`: the
 * same for programs.
 */
export function auditRole(role: string, to: string, who: object, { warn }: Pick<Log, 'warn'>): void {
  if (administrative.test(role))
    warn(
      { role, ...who },
      `SECURITY AUDIT: Assigning administrative role '${role}' to ${to}. Ensure this is intended and properly configured.`,
    )
}
