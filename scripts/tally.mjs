// What Node's test runner reports, counted strictly.
import { resolve } from 'node:path'

/** Why an event makes the run fail although the runner itself may count it as harmless; else undefined. */
const complaint = (type, { skip, todo, details }) => {
  if (skip !== undefined) return 'skipped'
  if (todo !== undefined) return 'not finished (todo)'
  const failedItself = details.error?.failureType !== 'subtestsFailed'
  if (type === 'test:fail' && details.type === 'suite' && failedItself) return 'failed beside its tests'
  return undefined
}

/**
 * Counts the events of one run over `files` (relative to `root`). The runner's own totals leave out
 * suites, and it takes a file without tests, or one that ended before its tests did, for a passed test.
 */
export const createTally = (files, root) => {
  const records = files.map(file => ({ file, tests: 0, ms: 0, failed: false, isPlaceholder: false }))
  const byPath = new Map(records.map(record => [resolve(root, record.file), record]))
  const complaints = []
  let suites = 0
  let summary

  const observeEnd = (type, data) => {
    const record = byPath.get(data.file)
    if (data.nesting === 0 && data.name === record?.file) {
      record.failed = type === 'test:fail'
      record.isPlaceholder = type === 'test:pass'
    }
    const why = complaint(type, data)
    if (why === undefined) return
    complaints.push(`${why}: ${data.name} (${record?.file})`)
    if (data.details.type === 'suite') suites++
  }

  const observeSummary = data => {
    const record = byPath.get(data.file)
    if (data.file === undefined) summary = data
    else if (record !== undefined) Object.assign(record, { tests: data.counts.tests, ms: data.duration_ms })
  }

  const result = () => {
    const empty = records.filter(record => !record.failed && record.tests === 0).map(record => record.file)
    const { passed, failed, cancelled, skipped, todo } = summary.counts
    const all = failed + cancelled + skipped + todo + suites + empty.length
    return {
      passed: passed - records.filter(record => record.isPlaceholder).length,
      failed: Math.max(all, summary.success ? 0 : 1),
      complaints: [...complaints, ...empty.map(file => `without tests, or ended before them: ${file}`)],
      slowest: records.filter(record => record.ms > 0).sort((a, b) => b.ms - a.ms),
    }
  }

  return {
    listeners: {
      'test:pass': data => observeEnd('test:pass', data),
      'test:fail': data => observeEnd('test:fail', data),
      'test:summary': observeSummary,
    },
    result,
  }
}
