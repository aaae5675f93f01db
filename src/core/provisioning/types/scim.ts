import { scimReadTransformation, scimWriteTransformation } from '../transformation/index.ts'
import { authenticationMissing } from './authentication.ts'
import { httpProperties } from './common.ts'
import { type PropertySpec, trueOrFalse, wholeNumber } from './property.ts'
import { connectScim } from './scim-connector.ts'
import type { SystemType } from './type.ts'

/** The described properties of SCIM 2.0 systems. */
export const scimProperties: readonly PropertySpec[] = [
  ...httpProperties,
  {
    name: 'scim.user.filter',
    description: 'Which users are read (RFC 7644 section 3.4.2.2)',
    roles: ['source', 'proxy'],
  },
  { name: 'scim.group.filter', description: 'Which groups are read', roles: ['source', 'proxy'] },
  {
    name: 'scim.user.unique.attribute',
    description:
      'What makes a user one and the same in the target, several separated by commas; default userName',
    roles: ['target', 'proxy'],
  },
  {
    name: 'scim.group.unique.attribute',
    description: 'What makes a group one and the same in the target; default displayName',
    roles: ['target', 'proxy'],
  },
  {
    name: 'scim.support.patch.operation',
    description: 'true: entities are changed with PATCH; otherwise they are replaced with PUT',
    roles: ['target', 'proxy'],
    values: trueOrFalse,
  },
  {
    name: 'scim.content.type',
    description: 'Of what is written; default application/scim+json',
    values: ['application/scim+json', 'application/json'],
  },
  {
    name: 'scim.api.csrf.protection',
    description: 'Writes carry a token that the system hands out; default disabled',
    values: ['enabled', 'disabled'],
  },
  {
    name: 'scim.csrf.token.path',
    description: 'Where that token is got, below URL; default /ServiceProviderConfig',
  },
  {
    name: 'scim.include.if.match.wildcard.header',
    description: 'true: changes carry If-Match: *',
    roles: ['target', 'proxy'],
    values: trueOrFalse,
  },
  {
    name: 'scim.group.members.additional.attributes',
    description: 'Attributes of members to ask for, separated by commas: value,display,$ref',
    roles: ['source', 'proxy'],
  },
  {
    name: 'scim.page.size',
    description: 'Entities of one answer while reading; default 200',
    roles: ['source', 'proxy'],
    wrong: wholeNumber(1, 1000),
  },
]

/** Any system with a SCIM 2.0 API (RFC 7643, RFC 7644). */
export const scim: SystemType = {
  name: 'scim',
  title: 'SCIM 2.0',
  roles: ['source', 'target', 'proxy'],
  properties: scimProperties,
  readTransformation: scimReadTransformation,
  writeTransformation: scimWriteTransformation,
  missing: properties => [
    ...(properties.URL === undefined ? ['URL'] : []),
    ...authenticationMissing(properties),
  ],
  connect: connectScim,
}
