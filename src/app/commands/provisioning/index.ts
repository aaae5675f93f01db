import type { Define } from '../support/command.ts'
import { defineCertificates } from './certificate.ts'
import { defineJobs } from './job.ts'
import { defineSystems } from './system.ts'
import { defineTransformations } from './transformation.ts'

export const define: Define = (command, cli) => {
  defineSystems(command.command('system'), cli)
  defineCertificates(command.command('certificate'), cli)
  defineTransformations(command.command('transformation'), cli)
  defineJobs(command.command('job'), cli)
}
