/** The suite of the workload controllers, for any API server. */
import { describe } from 'node:test';
import { describeDeployments } from './deployments.case.test.ts';
import { describePlacement } from './placement.case.test.ts';
import { describePodSets } from './pod-sets.case.test.ts';
import type { TestApi } from './workload-cluster.case.test.ts';

/** Registers the suite. `startApi` gives a fresh API server for each test. */
export function describeWorkloads(name: string, startApi: () => Promise<TestApi>): void {
  describe(name, () => {
    describeDeployments(startApi);
    describePodSets(startApi);
    describePlacement(startApi);
  });
}
