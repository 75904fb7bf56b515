/** Proves every example on the wire, one line each, in the lab's own process (an extension of `fairlead up`). */
import type { Cluster } from '../src/cluster/index.ts';
import { messageOf } from '../src/observe/index.ts';
import { prove as prove01 } from './proofs/01-session-affinity.ts';
import { prove as prove02 } from './proofs/02-external-traffic-policy-local.ts';
import { prove as prove03 } from './proofs/03-health-check-node-port.ts';
import { prove as prove04 } from './proofs/04-topology-keys.ts';
import { prove as prove05 } from './proofs/05-headless.ts';
import { prove as prove06 } from './proofs/06-pod-subdomain.ts';
import { prove as prove07 } from './proofs/07-external-name.ts';
import { prove as prove08 } from './proofs/08-no-selector.ts';
import { prove as prove09 } from './proofs/09-session-affinity-node-port.ts';
import type { Prove } from './proofs/proof.ts';

const proofs: readonly Prove[] = [prove01, prove02, prove03, prove04, prove05, prove06, prove07, prove08, prove09];

/** Prints a line per example and answers whether all of them hold. */
export async function run(cluster: Cluster, print: (line: string) => void): Promise<boolean> {
  print('\nProved on the wire:');
  let allPassed = true;
  for (const [index, prove] of proofs.entries()) {
    const { passed, text } = await attempt(prove, cluster);
    allPassed &&= passed;
    print(`${String(index + 1).padStart(2, '0')} ${text} ${passed ? '✓' : '✗'}`);
  }
  return allPassed;
}

async function attempt(prove: Prove, cluster: Cluster): ReturnType<Prove> {
  try {
    return await prove(cluster);
  } catch (error) {
    return { passed: false, text: `failed: ${messageOf(error)}` };
  }
}
