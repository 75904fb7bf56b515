/** Pods and Services that somebody probably meant by a name that does not exist: a pod has a name only through hostname, subdomain and a Service. Pure. */
import type { Pod } from '../api/index.ts';
import { isPodReady, selects } from '../slices/index.ts';
import type { Finding } from './explanation.ts';
import { isAlike } from '../observe/index.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

const shown = 3;

/** `labels`: a name below the cluster domain that does not exist, leftmost first. */
export function podNameFindings(world: World, labels: readonly string[]): Finding[] {
  if (labels.at(-1) !== 'svc') return [];
  const namespace = labels.at(-2) ?? '';
  const service = labels.at(-3) ?? '';
  const here = world.pods.filter((pod) => (pod.metadata?.namespace ?? 'default') === namespace);
  const texts =
    labels.length === 4
      ? endpointTexts(world, here, labels[0] ?? '', service)
      : labels.length === 3
        ? serviceTexts(here, service)
        : [];
  const pods = texts.slice(0, shown).map((text): Finding => ({ kind: 'cause', code: 'pod-has-other-name', text }));
  return labels.length === 3 ? [...alikeServices(world, namespace, service), ...pods] : pods;
}

/** A slip of the pen: Services of the namespace whose names are nearly the one asked for. */
function alikeServices(world: World, namespace: string, name: string): Finding[] {
  const names = world.services
    .filter((service) => (service.metadata?.namespace ?? 'default') === namespace && isAlike(service.metadata?.name ?? '', name))
    .map((service) => service.metadata?.name ?? '');
  // the Service is there, and something else about it is wrong
  if (names.length === 0 || names.includes(name)) return [];
  const text = `namespace ${namespace} has ${names.slice(0, shown).join(', ')}${names.length > shown ? ' and others' : ''}, which ${names.length === 1 ? 'is a name' : 'are names'} much alike`;
  return [{ kind: 'cause', code: 'name-alike', text }];
}

/** `LABEL.SERVICE`: which condition of the name the pod of that name does not meet. */
function endpointTexts(world: World, pods: readonly Pod[], label: string, serviceName: string): string[] {
  return pods
    .filter((pod) => pod.spec?.hostname === label || pod.metadata?.name === label)
    .flatMap((pod) => {
      const { hostname = '', subdomain = '' } = pod.spec ?? {};
      const who = `pod ${nameOf(pod)}`;
      const service = world.services.find(
        (candidate) => candidate.metadata?.name === serviceName && candidate.metadata.namespace === pod.metadata?.namespace,
      );
      if (hostname === '')
        return [`${who} has no spec.hostname: only with spec.hostname and spec.subdomain: ${serviceName} does a pod have a name`];
      if (subdomain !== serviceName) {
        const own = subdomain === '' ? 'no spec.subdomain' : `spec.subdomain ${subdomain}`;
        const real = subdomain === '' ? '' : `; its name would be ${hostname}.${subdomain}, with a Service called ${subdomain}`;
        return [`${who} has ${own}, not ${serviceName}${real}`];
      }
      if (hostname !== label) return [`${who} has spec.hostname ${hostname}: its name is ${hostname}.${serviceName}`];
      if (service !== undefined && !selects(service, pod))
        return [`${who} is not selected by Service ${serviceName}: its labels differ from the selector`];
      return isPodReady(pod) ? [] : [`${who} is not ready, and its Service does not publish addresses that are not`];
    });
}

/** `SERVICE`: pods that are called so, or that wait for a Service of that name. */
function serviceTexts(pods: readonly Pod[], name: string): string[] {
  const waiting = pods.filter((pod) => pod.spec?.subdomain === name).map(nameOf);
  const called = pods.filter((pod) => pod.metadata?.name === name).map(nameOf);
  return [
    ...(waiting.length === 0
      ? []
      : [
          `${waiting.slice(0, shown).join(', ')} ${waiting.length === 1 ? 'has' : 'have'} spec.subdomain ${name}: a headless Service of that name is needed`,
        ]),
    ...(called.length === 0
      ? []
      : [`${called[0] ?? ''} is a pod: a pod's own name is no DNS name, ask for a Service that selects it`]),
  ];
}
