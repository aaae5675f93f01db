export { createOutboundAccess, type OutboundDependencies } from './access.ts'
export { shownCertificate } from './shown-certificate.ts'
