import { isList, isObject, type Json, type JsonObject, member } from '../json.ts'
import {
  anything,
  type Given,
  mappingFunction,
  memberName,
  objectFrom,
  type Value,
  whole,
} from './function.ts'

export const elementAt = mappingFunction({
  name: 'elementAt',
  parameters: { index: whole(0, 1_000_000) },
  takesList: true,
  apply: (value, { index }) => {
    if (isList(value)) return value[index]
    return index === 0 ? value : undefined
  },
})

const keys = { sourceKey: memberName, targetKey: memberName }

export const copyMapEntry = mappingFunction({
  name: 'copyMapEntry',
  parameters: keys,
  apply: (value, given) => copied(objectFrom(value), given),
})

export const renameMapEntry = mappingFunction({
  name: 'renameMapEntry',
  parameters: keys,
  apply: (value, given) => {
    const object = objectFrom(value)
    if (given.sourceKey === given.targetKey || !Object.hasOwn(object, given.sourceKey)) return object
    const { [given.sourceKey]: _, ...others } = copied(object, given)
    return others
  },
})

function copied(object: JsonObject, { sourceKey, targetKey }: Given<typeof keys>): JsonObject {
  const found = member(object, sourceKey)
  return found === undefined ? object : { ...object, [targetKey]: found }
}

const put = { key: memberName, defaultValue: anything }

/** Gives a member to objects that have none of its name, or an empty one. */
export const putIfAbsent = mappingFunction({
  name: 'putIfAbsent',
  parameters: put,
  apply: (value, { key, defaultValue }) => (hasValue(value, key) ? value : putInto(value, key, defaultValue)),
})

/** Gives a member another value in objects where it has one. */
export const putIfPresent = mappingFunction({
  name: 'putIfPresent',
  parameters: put,
  apply: (value, { key, defaultValue }) => (hasValue(value, key) ? putInto(value, key, defaultValue) : value),
})

function hasValue(value: Value | undefined, key: string): boolean {
  const found = isObject(value) ? member(value, key) : undefined
  return found !== undefined && found !== null && found !== ''
}

function putInto(value: Value | undefined, key: string, made: Json): Value | undefined {
  return isObject(value) ? { ...value, [key]: made } : value
}
