/**
 * Runs `step` for that long and gives the CPU microseconds of one call, of all threads of this process. The first
 * fifth is warm-up.
 */
export const loopMicroseconds = async (milliseconds, step) => {
  const run = async end => {
    let calls = 0
    for (; performance.now() < end; calls++) await step()
    return calls
  }
  const start = performance.now()
  await run(start + milliseconds / 5)
  const before = process.cpuUsage()
  const calls = await run(start + milliseconds)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}
