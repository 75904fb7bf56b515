/** Runs the same tests with every kubectl there is: npm's, and the machine's own when that is another version. */
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { findKubectl, machineKubectl, noKubectl } from '../../tools/testing/kubectl.ts';
import type { ApiCluster } from './api-cluster.ts';
import { startApiCluster } from './api-cluster.ts';

/** Declares the tests once per kubectl, each time with a fresh cluster. `cluster` may be called inside tests only. */
export function withEachKubectl(declare: (cluster: () => ApiCluster) => void): void {
  const programs = kubectlPrograms();
  if (programs.size === 0) test('kubectl', { skip: noKubectl }, () => undefined);
  for (const [version, path] of programs) {
    describe(`with kubectl ${version}`, () => {
      let running: ApiCluster | undefined;
      before(async () => {
        running = await startApiCluster(path);
      });
      after(() => running?.[Symbol.asyncDispose]());
      declare(() => {
        if (running === undefined) throw new Error('the cluster did not start');
        return running;
      });
    });
  }
}

/** Version -> path. Empty when there is none: skip with `noKubectl`. */
export function kubectlPrograms(): ReadonlyMap<string, string> {
  const programs = new Map<string, string>();
  for (const path of [findKubectl(), machineKubectl()]) {
    const version = path === undefined ? undefined : versionOf(path);
    if (path !== undefined && version !== undefined && !programs.has(version)) programs.set(version, path);
  }
  return programs;
}

function versionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ['version', '--client'], { encoding: 'utf8', env: { HOME: '/nonexistent' } });
  return /Client Version: v([\d.]+)/.exec(stdout)?.[1];
}
