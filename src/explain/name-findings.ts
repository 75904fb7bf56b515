/** What will disappoint about a name that resolves. Pure. */
import type { Service } from '../api/index.ts';
import { undeclaredPorts } from './diagnose.ts';
import type { CandidateEndpoint, Finding } from './explanation.ts';
import { podNamed, protocolOf } from './frontends.ts';
import type { NameEnd } from './name-walk.ts';
import type { Target } from './question.ts';
import type { World } from './world.ts';

type NameTarget = Extract<Target, { readonly kind: 'name' }>;

/** An ExternalName: what of the Service and of the typed name does not come along. */
export function aliasFindings(end: Extract<NameEnd, { readonly kind: 'alias' }>, target: NameTarget): Finding[] {
  const findings: Finding[] = [];
  if ((end.service?.spec?.ports ?? []).length > 0) {
    const text = 'the ports of an ExternalName Service play no part: the client connects to the port it asked for';
    findings.push({ kind: 'warning', code: 'port-ignored', text });
  }
  const text = `the server sees the name that the client typed (${target.name}) in Host and in TLS, not ${end.target}: a certificate or a virtual host may not match`;
  findings.push({ kind: 'warning', code: 'host-name-mismatch', text });
  return findings;
}

/** Headless: the Service's port is no port of anything, and its targetPort moves nothing. */
export function directFindings(
  world: World,
  service: Service | undefined,
  target: NameTarget,
  candidates: readonly CandidateEndpoint[],
): Finding[] {
  const findings: Finding[] = [];
  const port = (service?.spec?.ports ?? []).find(
    (candidate) => candidate.port === target.port && protocolOf(candidate.protocol) === target.protocol,
  );
  const moved = port !== undefined && port.targetPort !== undefined && port.targetPort !== port.port;
  if (moved) {
    const text = `port ${port.port} is the Service's, and a headless Service translates nothing: ask the pods for their own port (targetPort ${String(port.targetPort)})`;
    findings.push({ kind: 'warning', code: 'target-port-ignored', text });
  }
  const pods = candidates.flatMap(({ pod: name, port: number }) => {
    const pod = podNamed(world, name);
    return pod === undefined || number === undefined ? [] : [{ pod, port: number }];
  });
  return [...findings, ...undeclaredPorts(pods, target.protocol)];
}
