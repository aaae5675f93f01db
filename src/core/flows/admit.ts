import type { Addresses } from '../addresses.ts'
import {
  authorize,
  type Caller,
  type Identification,
  identify,
  type ResourceRequest,
} from '../admission/index.ts'
import { isProblem, type Problem } from '../problem.ts'
import type { Flow } from './registry.ts'

/** Lets in who holds the flow's role: authentication first, then authorization. */
export async function admit(
  request: ResourceRequest,
  flow: Flow,
  deps: Identification & { readonly addresses: Addresses },
): Promise<Caller | Problem> {
  const caller = await identify(request, deps)
  if (isProblem(caller)) return caller
  return authorize(caller, deps.addresses.worker(request.tenant), flow.roles) ?? caller
}
