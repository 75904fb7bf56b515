/** 06: spec.hostname and spec.subdomain make the name; the pod's own name makes none. */
import { podsOf, proof } from './proof.ts';
import type { Prove } from './proof.ts';

const domain = 'default-subdomain.default.svc.cluster.local';

export const prove: Prove = async (lab) => {
  const place = 'pod/default/busybox1';
  const [found, missing, elsewhere] = await Promise.all([
    lab.prober.resolve(place, `busybox-1.${domain}`, 'A'),
    lab.prober.resolve(place, `busybox1.${domain}`, 'A'),
    lab.prober.resolve(place, 'busybox-1.other.default.svc.cluster.local', 'A'),
  ]);
  const pod = (await podsOf(lab, 'default')).find((candidate) => candidate.metadata?.name === 'busybox1');
  const passed = found.records.join() === `A ${pod?.status?.podIP ?? '?'}` && missing.rcode === 3 && elsewhere.rcode === 3;
  return proof(
    passed,
    `subdomain: busybox-1.default-subdomain is ${found.records.join().replace('A ', '')}; busybox1.default-subdomain is ${missing.rcode === 3 ? 'NXDOMAIN' : `rcode ${missing.rcode}`}`,
  );
};
