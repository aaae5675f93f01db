export { type Bound, forgetAnswers } from './answers.ts'
export { type Bind, bind, bindingOf, unbind } from './bindings.ts'
export { catalog, referenceTo } from './catalog.ts'
export { deprovision, instanceOf, type Platforming, provision, update } from './instances.ts'
