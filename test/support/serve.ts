import { parseArgs } from 'node:util'
import { serve } from '../../src/app/serve.ts'

const { values } = parseArgs({ options: { demo: { type: 'boolean' }, config: { type: 'string' } } })
try {
  await serve({ demo: values.demo ?? false, config: values.config })
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
