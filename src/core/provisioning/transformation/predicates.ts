import { isList, isObject, type Json, member } from './json.ts'
import { propertyOf, type Scope } from './scope.ts'

/** A function of conditions. `values` is what its path leads to, `property` the name that it was given. */
export interface Call {
  readonly takes: 'nothing' | 'path' | 'path and property'
  holds(values: readonly Json[], property: string, scope: Scope): boolean
}

const sapGroup = 'urn:ietf:params:scim:schemas:extension:sap:2.0:Group'

/** THE LIST of functions that conditions may call. */
export const calls: Readonly<Record<string, Call>> = {
  /** There is an address, and every one that there is has the form of one. */
  isValidEmail: {
    takes: 'path',
    holds: values => values.length > 0 && values.every(isEmailAddress),
  },
  /** A group that is not said to be for certain applications and operations. */
  isRegularGroup: {
    takes: 'nothing',
    holds: (_, __, scope) =>
      groupAttribute(scope, 'supportedOperations') === undefined ||
      groupAttribute(scope, 'applicationId') === undefined,
  },
  /** A group of the application that the property `ips.application.id` of the system names. */
  isApplicationSpecificGroup: {
    takes: 'nothing',
    holds: (_, __, scope) => {
      const id = propertyOf(scope, 'ips.application.id')
      return id !== undefined && groupAttribute(scope, 'applicationId') === id
    },
  },
  isAttributeWithOptionalPrefix: {
    takes: 'path and property',
    holds: (values, property, scope) => {
      const prefix = propertyOf(scope, property)
      return prefix === undefined || values.every(value => startsWith(value, prefix))
    },
  },
  isAttributeWithMandatoryPrefix: {
    takes: 'path and property',
    holds: (values, property, scope) => {
      const prefix = propertyOf(scope, property)
      return prefix !== undefined && values.length > 0 && values.every(value => startsWith(value, prefix))
    },
  },
}

function groupAttribute(scope: Scope, name: string): Json | undefined {
  const extension = isObject(scope.root) ? member(scope.root, sapGroup) : undefined
  const value = isObject(extension) ? member(extension, name) : undefined
  return value === null || (isList(value) && value.length === 0) ? undefined : value
}

function startsWith(value: Json, prefix: string): boolean {
  return typeof value === 'string' && value.startsWith(prefix)
}

const longestAddress = 320
const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const label = /^[A-Za-z0-9][A-Za-z0-9-]*$/
const lastLabel = /^[A-Za-z0-9-]*[A-Za-z0-9]$/

/** An address of two parts, whose domain has two labels or more (RFC 5321 sections 4.1.2 and 4.5.3.1). */
function isEmailAddress(value: Json): boolean {
  if (typeof value !== 'string' || value.length > longestAddress) return false
  const at = value.lastIndexOf('@')
  if (at < 0 || !localPart.test(value.slice(0, at))) return false
  const labels = value.slice(at + 1).split('.')
  return labels.length > 1 && labels.every(one => label.test(one)) && lastLabel.test(labels.at(-1)!)
}
