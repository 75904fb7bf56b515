/** Reason codes: every choice of the decision as a code with its facts, and as a sentence for people. */

/** Why an endpoint is in a list (`used`) or left out of it. */
export type EndpointReason =
  | { readonly used: true; readonly code: 'ready' }
  /** No endpoint is ready; this one is shutting down but still serves. */
  | { readonly used: true; readonly code: 'fallback-terminating' }
  | { readonly used: true; readonly code: 'hint-node'; readonly node: string }
  | { readonly used: true; readonly code: 'hint-zone'; readonly zone: string }
  | { readonly used: true; readonly code: 'topology-key'; readonly key: string; readonly value: string }
  | { readonly used: false; readonly code: 'not-ready' }
  /** Shutting down while others are ready. */
  | { readonly used: false; readonly code: 'terminating' }
  /** Shutting down and no longer serving. */
  | { readonly used: false; readonly code: 'not-serving' }
  | { readonly used: false; readonly code: 'other-node'; readonly node?: string }
  | { readonly used: false; readonly code: 'hint-node'; readonly node: string; readonly hinted: readonly string[] }
  | { readonly used: false; readonly code: 'hint-zone'; readonly zone: string; readonly hinted: readonly string[] }
  /** Another endpoint matched this key; this one has another value, or none. */
  | { readonly used: false; readonly code: 'topology-key'; readonly key: string; readonly want: string; readonly have?: string }
  /** No key matched any endpoint. */
  | { readonly used: false; readonly code: 'no-topology-key'; readonly keys: readonly string[] }
  | { readonly used: false; readonly code: 'no-such-port'; readonly port: string }
  | { readonly used: false; readonly code: 'wrong-family'; readonly addressType: string }
  /** The same address and port stands in another slice too, and that copy counts. */
  | { readonly used: false; readonly code: 'duplicate'; readonly slice: string }
  | { readonly used: false; readonly code: 'bad-address' }
  /** The slice bears the label service.kubernetes.io/headless. */
  | { readonly used: false; readonly code: 'headless-slice' };

export type EndpointReasonCode = EndpointReason['code'];

/** Why connections are refused or dropped. */
export type TargetReason =
  /** Nothing usable exists on any node. */
  | { readonly code: 'no-endpoint' }
  /** topologyKeys matched nothing and does not end in `*`. */
  | { readonly code: 'no-topology-key'; readonly keys: readonly string[] }
  /** A policy of Local, and all usable endpoints are on other nodes. */
  | { readonly code: 'no-local-endpoint'; readonly policy: 'internalTrafficPolicy' | 'externalTrafficPolicy' };

/** Why a Service has no frontends. */
export type SkipReason =
  | { readonly code: 'external-name'; readonly externalName: string }
  | { readonly code: 'headless' }
  /** The API server has not given it a cluster IP. */
  | { readonly code: 'no-cluster-ip' }
  /** It has cluster IPs, none of this family. */
  | { readonly code: 'wrong-family' }
  /** Label service.kubernetes.io/service-proxy-name: another proxy serves it. */
  | { readonly code: 'other-proxy'; readonly proxyName: string };

/** Why one frontend of a Service is not served. */
export type FrontendReason =
  /** status.loadBalancer.ingress[].ipMode is Proxy: packets must go through the load balancer. */
  | { readonly code: 'ip-mode-proxy' }
  | { readonly code: 'hostname-only'; readonly hostname: string }
  | { readonly code: 'bad-address' }
  /** Another frontend of the same Service port has the same address and port. */
  | { readonly code: 'duplicate'; readonly of: string }
  /** An older Service (`namespace/name`) claims it too. */
  | { readonly code: 'claimed'; readonly by: string };

/** A sentence without a full stop that tells a person why. */
export function reasonText(reason: EndpointReason | TargetReason | SkipReason | FrontendReason): string {
  return 'used' in reason ? endpointText(reason) : otherText(reason);
}

function endpointText(reason: EndpointReason): string {
  switch (reason.code) {
    case 'ready':
      return 'ready';
    case 'fallback-terminating':
      return 'terminating, but still serving, and no endpoint is ready';
    case 'hint-node':
      return reason.used
        ? `hinted for node ${reason.node}`
        : `hinted for ${listOf('node', reason.hinted)}, and others are hinted for ${reason.node}`;
    case 'hint-zone':
      return reason.used
        ? `hinted for zone ${reason.zone}`
        : `hinted for ${listOf('zone', reason.hinted)}, and others are hinted for ${reason.zone}`;
    case 'topology-key':
      if (reason.used)
        return reason.key === '*'
          ? 'topology key * admits every endpoint'
          : `topology key ${reason.key} is ${reason.value} here and there`;
      return reason.have === undefined
        ? `topology key ${reason.key}: its node has no such label, others match ${reason.want}`
        : `topology key ${reason.key}: it has ${reason.have}, others match ${reason.want}`;
    case 'no-topology-key':
      return `no endpoint matches a topology key (${reason.keys.join(', ')}), and * is not among them`;
    case 'not-ready':
      return 'not ready';
    case 'terminating':
      return 'terminating, and other endpoints are ready';
    case 'not-serving':
      return 'terminating and no longer serving';
    case 'other-node':
      return reason.node === undefined
        ? 'on no node that is known, and only endpoints on this node count'
        : `on node ${reason.node}, and only endpoints on this node count`;
    case 'no-such-port':
      return `its slice has no port ${reason.port}`;
    case 'wrong-family':
      return `its slice holds ${reason.addressType} addresses`;
    case 'duplicate':
      return `the same address and port also stands in slice ${reason.slice}`;
    case 'bad-address':
      return 'it has no address that can be read';
    case 'headless-slice':
      return 'its slice is labelled service.kubernetes.io/headless, for names only';
  }
}

function otherText(reason: TargetReason | SkipReason | FrontendReason): string {
  switch (reason.code) {
    case 'no-endpoint':
      return 'no endpoint is ready, or terminating and still serving, on any node';
    case 'no-topology-key':
      return `no endpoint matches a topology key (${reason.keys.join(', ')}), and * is not among them`;
    case 'no-local-endpoint':
      return `${reason.policy} is Local, and no usable endpoint is on this node`;
    case 'external-name':
      return `type ExternalName: only a DNS alias for ${reason.externalName}`;
    case 'headless':
      return 'headless (clusterIP None): only names, clients choose a pod themselves';
    case 'no-cluster-ip':
      return 'no cluster IP has been allocated';
    case 'wrong-family':
      return 'it has no cluster IP of this family';
    case 'other-proxy':
      return `label service.kubernetes.io/service-proxy-name gives it to ${reason.proxyName === '' ? 'another proxy' : reason.proxyName}`;
    case 'ip-mode-proxy':
      return 'ipMode Proxy: packets must pass the load balancer itself';
    case 'hostname-only':
      return `the load balancer is known by name only (${reason.hostname})`;
    case 'bad-address':
      return 'the address cannot be read';
    case 'duplicate':
      return `the same address and port is already its ${reason.of}`;
    case 'claimed':
      return `Service ${reason.by} has the same address and port and comes first`;
  }
}

function listOf(noun: string, names: readonly string[]): string {
  return names.length === 0 ? `no ${noun}` : `${noun} ${names.join(', ')}`;
}
