export { endingSystemCertificates, maintainSystemCertificates } from './certificates/maintain.ts'
export {
  activateCertificate,
  type CertificateManagement,
  deleteCertificate,
  downloadCertificate,
  generateCertificate,
  listCertificates,
  type SystemCertificateInfo,
} from './certificates/manage.ts'
export { Stopped, SystemFailure } from './failure.ts'
export { NoAnswer, type SystemAnswer, type SystemHttp, type SystemRequest } from './http.ts'
export {
  forgetOldJobs,
  type JobInfo,
  type JobManagement,
  jobLines,
  listJobs,
  resetSource,
  showJob,
  startJob,
  stopJob,
} from './jobs/manage.ts'
export { createJobRunner, type JobRunner } from './jobs/runner.ts'
export { scheduleJobs } from './jobs/schedule.ts'
export * from './store.ts'
export {
  createSystem,
  deleteSystem,
  listSystems,
  type SystemInfo,
  type SystemManagement,
  setProperties,
  setTransformation,
  showSystem,
} from './systems/manage.ts'
export { showTransformation, type TrialOutcome, tryTransformation } from './systems/try.ts'
export { entityTypes, type JsonObject } from './transformation/index.ts'
export { jobProperties } from './types/common.ts'
export { systemTypes } from './types/index.ts'
export type { SourceFiles } from './types/type.ts'
