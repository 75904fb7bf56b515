/** One question, answered by `explain` and by the wire, and what differs between the two. */
import { ProbeError } from '../../src/cluster/index.ts';
import type { Prober } from '../../src/cluster/index.ts';
import { explain, parsePlace, parseTarget, printExplanation } from '../../src/explain/index.ts';
import type { Explanation, Outcome, World } from '../../src/explain/index.ts';
import { tally } from './cluster-harness.ts';

/** What a comparison found. */
export interface Comparison {
  readonly outcome: Outcome;
  /** Empty when explanation and wire agree, else both at length. */
  readonly fault: string;
}

interface Seen {
  readonly answers: readonly { readonly pod: string; readonly client: string }[];
  readonly failures: readonly ProbeError['code'][];
}

/** `target` is an address with a port. */
export async function compareWithWire(prober: Prober, world: World, place: string, target: string): Promise<Comparison> {
  const answer = explain(world, { target, from: parsePlace(place), namespace: 'default' });
  const { outcome } = answer;
  const isUdp = target.endsWith('/udp');
  // silence is expected where nobody answers, and where a refusal (ICMP) does not reach an unconnected UDP socket
  const isHopeful = answer.candidates.length > 0 || (outcome === 'refused' && !isUdp);
  const seen = await probe(prober, place, target, connectionsFor(answer), isHopeful && !isUndeclared(answer) ? 5000 : 700);
  const fault = disagreement(answer, isUdp, seen);
  if (fault === '') return { outcome, fault };
  const said = JSON.stringify(tally([...seen.answers.map(({ pod, client }) => `${pod} saw ${client}`), ...seen.failures]));
  return { outcome, fault: `${place} -> ${target}: ${fault}; the wire: ${said}; explained:\n${printExplanation(answer)}` };
}

async function probe(prober: Prober, place: string, text: string, count: number, timeoutMs: number): Promise<Seen> {
  const target = parseTarget(text);
  if (target.kind !== 'address' || target.port === undefined) throw new TypeError(`${text} is no address with a port`);
  const [where = '', localAddress] = place.startsWith('outside/') ? ['outside', place.slice('outside/'.length)] : [place];
  const to = { address: target.address, port: target.port };
  const options = { timeoutMs, ...(localAddress === undefined ? {} : { localAddress }) };
  const answers: { pod: string; client: string }[] = [];
  const failures: ProbeError['code'][] = [];
  for (let index = 0; index < count; index++) {
    try {
      answers.push(await (target.protocol === 'UDP' ? prober.askUdp(where, to, options) : prober.ask(where, to, options)));
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      failures.push(error.code);
      // a loss is certain knowledge already, and each one costs its time-out
      if (failures.length >= 2 && answers.length === 0) break;
    }
  }
  return { answers, failures };
}

/** How many connections to make so that no candidate is missed but once in a million. */
function connectionsFor(answer: Explanation): number {
  if (answer.candidates.length === 0) return 2;
  const least = Math.min(...answer.candidates.map(({ share }) => share));
  return answer.affinity === undefined ? Math.max(4, Math.ceil(14 / least)) : 12;
}

/** The explanation warns that nobody may listen; echo pods listen on declared ports only. */
function isUndeclared(answer: Explanation): boolean {
  return answer.findings.some(({ code }) => code === 'port-not-declared');
}

function disagreement(answer: Explanation, isUdp: boolean, seen: Seen): string {
  // how UDP hears of a refusal depends on the socket and on the hook: not at all, or when sending
  const isRefused = seen.answers.length === 0 && (isUdp || seen.failures.every((code) => code === 'refused'));
  const isLost = seen.answers.length === 0 && !seen.failures.includes('refused');
  switch (answer.outcome) {
    case 'refused':
      return isRefused ? '' : 'should be refused';
    case 'dropped':
      return isLost && !seen.failures.includes('failed') ? '' : 'should be silent';
    case 'unreachable':
      return isLost ? '' : 'should be unreachable';
    case 'direct':
      // nobody known is there: only the server of the world outside may answer
      if (answer.candidates.length === 0) return seen.answers.every(({ pod }) => pod === 'outside') ? '' : 'should meet no pod';
      break;
    case 'endpoints':
      break;
    case 'names-only':
    case 'alias':
    case 'no-such-name':
    case 'outside-name':
    case 'invalid':
      return `${answer.outcome} is no outcome of an address`;
  }
  if (isUndeclared(answer)) return isRefused ? '' : 'should be refused by the pod itself';
  return seen.failures.length > 0 ? 'should always be answered' : disagreementOnEndpoints(answer, seen);
}

function disagreementOnEndpoints(answer: Explanation, { answers }: Seen): string {
  const expected = new Map(answer.candidates.map((candidate) => [candidate.pod?.split('/')[1] ?? 'outside', candidate]));
  const reached = tally(answers.map(({ pod }) => pod));
  for (const pod of Object.keys(reached)) if (!expected.has(pod)) return `reached ${pod}`;
  for (const { pod, client } of answers) {
    const addresses = expected.get(pod)?.seenAs.map(({ address }) => address) ?? [];
    if (!addresses.includes(client)) return `${pod} saw ${client}, not ${addresses.join(' or ')}`;
  }
  if (answer.affinity !== undefined) return Object.keys(reached).length === 1 ? '' : 'the client was not kept at its endpoint';
  for (const [pod, { share }] of expected) {
    const count = reached[pod] ?? 0;
    if (count === 0) return `never reached ${pod}`;
    const mean = answers.length * share;
    const deviation = Math.sqrt(mean * (1 - share));
    if (Math.abs(count - mean) > 5 * deviation + 1)
      return `${pod} got ${count} of ${answers.length}, a share of ${share} was said`;
  }
  return '';
}
