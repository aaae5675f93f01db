/** The forms of identifiers in the published OpenAPI of Camunda 8.8. */
const common = /^[a-zA-Z0-9_~@.+-]{1,256}$/
const ofTenant = /^(<default>|[\w.-]{1,31})$/

export const wrongCommonId = (id: string): string | undefined =>
  common.test(id) ? undefined : 'has 1 to 256 characters out of A-Z a-z 0-9 _ ~ @ . + -'

export const wrongTenantId = (id: string): string | undefined =>
  ofTenant.test(id) ? undefined : 'is <default>, or has 1 to 31 characters out of A-Z a-z 0-9 _ . -'

/** Groups may come from others, who name them as they please. */
export const wrongGroupId = (id: string): string | undefined =>
  id.length >= 1 && id.length <= 256 && !/\p{Cc}/u.test(id) ? undefined : 'has 1 to 256 printable characters'
