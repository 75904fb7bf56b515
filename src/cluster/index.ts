/** The embedded cluster: puts the rooms below together, starts them, takes them down. Library face: `fairlead/testing`. */
export * from './apply.ts';
export * from './cluster.ts';
export { outsideNames, outsideResolvConf, outsideZone } from './outside-names.ts';
export type { Machine } from './machine.ts';
export * from './plan.ts';
export * from './prober.ts';
