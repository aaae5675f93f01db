import { behindLoadBalancer } from './suite.ts'
import { setUps } from './world.ts'

for (const setUp of setUps.filter(({ program }) => program === 'haproxy')) behindLoadBalancer(setUp)
