import type { IdentityRoute } from './route.ts'

/** What clients ask first. There are no brokers here, and the answer says so. */
export const clusterRoutes: readonly IdentityRoute[] = [
  {
    method: 'GET',
    path: '/v2/topology',
    handle: (_, { version }) => ({
      status: 200,
      body: {
        brokers: [],
        clusterId: null,
        clusterSize: 0,
        partitionsCount: 0,
        replicationFactor: 0,
        gatewayVersion: version,
        lastCompletedChangeId: '-1',
      },
    }),
  },
]
