/** The node's proxy: watch -> decisions -> rows -> one kernel transaction; health-check ports; stale UDP flows. */
export { Agent } from './agent.ts';
export type { AgentOptions } from './agent.ts';
export type { AgentInformers } from './change-tracker.ts';
export type { HealthCheck, Listen } from './health-check-servers.ts';
export type { SyncResult } from './kernel-table.ts';
export type { NodeFacts, PodDetector } from './node-rows.ts';
export { dumpRows, dumpStructure, findFaults } from './adopt.ts';
export { constantChains } from './chains.ts';
export { TableState } from './table-state.ts';
export type { LostClaim } from './table-state.ts';
export { affinityMap, counters, tableName, tableOf } from './layout.ts';
export { endpointText, frontendText } from './row-bytes.ts';
export { clearAffinity, decodeAffinity, listAffinity } from './affinity-entries.ts';
export type { AffinityEntry, AffinityFilter, FrontendOwner } from './affinity-entries.ts';
