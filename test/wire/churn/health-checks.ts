/** The health-check node ports of one node in one family against what `routing` counts. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import type { AgentLab } from '../agent-lab.ts';
import { answerOf } from '../agent-lab.ts';
import type { NodeRoutes } from './decisions.ts';
import { backendAddress } from './random-cluster.ts';

/** Asks every one of them, and those of Services that have none; answers how many. Throws `AssertionError`. */
export async function assertHealthChecks(lab: AgentLab, { nodeName, family, decisions }: NodeRoutes): Promise<number> {
  const checks = new Map(decisions.flatMap(({ name, healthCheck }) => (healthCheck === undefined ? [] : [[name, healthCheck]])));
  for (let number = 1; number <= 20; number++) {
    const count = checks.get(`web-${number}`)?.localReadyCount;
    const wanted = count === undefined ? 'refused' : `${count > 0 ? 200 : 503} ${count}`;
    const answer = await ask(lab, backendAddress(nodeName, family), 31_000 + number);
    assert.equal(answer, wanted, `health check of web-${number} on ${nodeName}, ${family}`);
  }
  return 20;
}

/** Status and weight, `refused`, or the code of what else went wrong. */
async function ask(lab: AgentLab, address: string, port: number): Promise<string> {
  try {
    const socket = await lab.thread.connectTcp(lab.place('outside').namespace, { address, port }, { timeoutMs: 3000 });
    return await new Promise((resolve, reject) => {
      get({ createConnection: () => socket, host: 'node', headers: { connection: 'close' } }, ({ statusCode, headers }) => {
        resolve(`${statusCode} ${String(headers['x-load-balancing-endpoint-weight'])}`);
        socket.destroy();
      }).on('error', reject);
    });
  } catch (error) {
    return answerOf(error);
  }
}
