const enterprise = "$['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']"

/** What is the same in each system's own way is not carried over: ids and what the server says about a resource. */
const everythingBut = (...paths: readonly string[]) => [
  { sourcePath: '$', targetPath: '$' },
  ...paths.map(targetPath => ({ type: 'remove', targetPath })),
]

/** The transformation for reading users and groups of a SCIM 2.0 source: everything but `id` and `meta`. */
export const scimReadTransformation: unknown = {
  user: {
    mappings: [
      ...everythingBut('$.id', '$.meta'),
      { sourcePath: '$.id', targetVariable: 'entityIdSourceSystem' },
      { sourcePath: '$.userName', optional: true, correlationAttribute: true },
      {
        sourcePath: '$.emails[?(@.primary == true)].value',
        optional: true,
        correlationAttribute: true,
      },
    ],
  },
  group: {
    mappings: [
      ...everythingBut('$.id', '$.meta'),
      { sourcePath: '$.id', targetVariable: 'entityIdSourceSystem' },
    ],
  },
}

/**
 * The transformation for writing users and groups to a SCIM 2.0 target. Managers and members are those of the target;
 * whoever is not in it is left out. `groups` of users is read-only (RFC 7643 section 4.1.2).
 */
export const scimWriteTransformation: unknown = {
  user: {
    mappings: [
      ...everythingBut('$.id', '$.meta', '$.groups', `${enterprise}.manager`),
      { sourceVariable: 'entityIdTargetSystem', targetPath: '$.id' },
      {
        sourcePath: `${enterprise}.manager.value`,
        targetPath: `${enterprise}.manager.value`,
        optional: true,
        functions: [{ function: 'resolveEntityIds', entityType: 'user' }],
      },
    ],
  },
  group: {
    mappings: [
      ...everythingBut('$.id', '$.meta', '$.members'),
      { sourceVariable: 'entityIdTargetSystem', targetPath: '$.id' },
      {
        sourcePath: "$.members[*]['value','type']",
        targetPath: '$.members',
        preserveArrayWithSingleElement: true,
        optional: true,
        functions: [
          { condition: "@.type != 'Group'", function: 'resolveEntityIds', entityType: 'user' },
          { condition: "@.type == 'Group'", function: 'resolveEntityIds', entityType: 'group' },
        ],
      },
    ],
  },
}
