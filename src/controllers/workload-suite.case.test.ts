/** What the suites of the workload controllers share: a cluster for each test, its pods, and templates to make them of. */
import { afterEach, beforeEach } from 'node:test';
import { events, nodes, pods } from '../api/index.ts';
import type { Deployment, Pod } from '../api/index.ts';
import { waitUntil } from '../client/wait-until.ts';
import { mustParseCidr } from '../net/index.ts';
import { isPodActive, isPodReady } from './pod-state.ts';
import { startTestCluster } from './workload-cluster.case.test.ts';
import type { TestApi, TestCluster } from './workload-cluster.case.test.ts';

/** The cluster of the test that runs, and looks into it. */
export interface WorkloadSuite {
  /** Of the test that runs: three nodes, n1 to n3. */
  readonly cluster: TestCluster;
  /** A line for each call of the load-balancer provider. */
  readonly balanced: readonly string[];
  readonly label: (node: string, labels: Readonly<Record<string, string>>) => Promise<void>;
  /** Pods that do not end, by name. */
  readonly live: () => Pod[];
  readonly names: () => (string | undefined)[];
  /** `Kind Reason` of every event. */
  readonly reasons: () => string[];
  /** There are so many pods, all ready, all with the image. */
  readonly untilReady: (count: number, image?: string) => Promise<void>;
}

/** Labels of its pods, and metadata, of the workload `ns/web`. */
export const labels = { app: 'web' };
export const metadata = { namespace: 'ns', name: 'web' };

/** A pod template with one container. */
export function template(image: string): NonNullable<Deployment['spec']>['template'] {
  return { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } };
}

/** For `toSorted`. */
export function compare<T extends string | number | undefined>(a: T, b: T): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

/** Starts a cluster before each test of the `describe` around it. `startApi` gives a fresh API server. */
export function useWorkloads(startApi: () => Promise<TestApi>): WorkloadSuite {
  let cluster: TestCluster;
  const balanced: string[] = [];

  beforeEach(async () => {
    balanced.length = 0;
    cluster = await startTestCluster(await startApi(), ['n1', 'n2', 'n3'], {
      missingNodeGraceMs: 100,
      rootCaPem: 'CA',
      loadBalancer: {
        pools: [mustParseCidr('10.0.8.0/24')],
        provider: {
          ensure: async (service, addresses, nodes) =>
            void balanced.push(
              `${service.metadata?.name} ${addresses.join()} ${nodes.map((node) => node.metadata?.name).join()}`,
            ),
          remove: async (key, addresses) => void balanced.push(`-${key} ${addresses.join()}`),
        },
      },
    });
  });

  afterEach(() => cluster.close());

  function live(): Pod[] {
    return cluster
      .list(pods)
      .filter(isPodActive)
      .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  }

  function names(): (string | undefined)[] {
    return live().map((pod) => pod.metadata?.name);
  }

  function reasons(): string[] {
    return cluster.list(events).map((event) => `${event.involvedObject.kind} ${event.reason}`);
  }

  async function untilReady(count: number, image?: string): Promise<void> {
    await waitUntil(
      () => {
        const all = cluster.list(pods);
        return (
          all.length === count &&
          all.every((pod) => isPodReady(pod) && (image === undefined || pod.spec?.containers[0]?.image === image))
        );
      },
      `${count} pods are ready${image === undefined ? '' : ` with ${image}`}`,
      10_000,
    );
  }

  return {
    get cluster() {
      return cluster;
    },
    balanced,
    label: async (node, added) => {
      await cluster.client.patch(nodes, node, 'merge', { metadata: { labels: added } });
    },
    live,
    names,
    reasons,
    untilReady,
  };
}
