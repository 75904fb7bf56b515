/** Questions and their answers: where would this request go, and why. */
export { diagnose } from './diagnose.ts';
export { explain } from './explain.ts';
export type { Question } from './explain.ts';
export type * from './explanation.ts';
export { printExplanation } from './print.ts';
export * from './question.ts';
export { usualPlace } from './usual-place.ts';
export { worldFromCluster } from './world.ts';
export type { World } from './world.ts';
export { worldFromManifests } from './files/world-from-files.ts';
