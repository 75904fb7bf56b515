import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFieldError } from '../field-errors.ts';
import { notIpText, serviceOf } from './mistake.case.test.ts';
import { validateServiceStatusUpdate } from './validation.ts';

const statuses: readonly {
  readonly name: string;
  readonly type: string;
  readonly ingress: object;
  readonly want: readonly string[];
}[] = [
  {
    name: 'M52',
    type: 'NodePort',
    ingress: { hostname: 'a.example' },
    want: ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8.1' },
    want: ['status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set'],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { hostname: 'a', ipMode: 'VIP' },
    want: ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set'],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8.1', ipMode: 'Nat' },
    want: ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "Nat": supported values: "Proxy", "VIP"'],
  },
  {
    name: 'M54',
    type: 'LoadBalancer',
    ingress: { hostname: '10.0.8.1' },
    want: ['status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.8.1": must be a DNS name, not an IP address'],
  },
  {
    name: 'an address that is none',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8', ipMode: 'VIP' },
    want: [`status.loadBalancer.ingress[0].ip: Invalid value: "10.0.8": ${notIpText}`],
  },
  { name: 'a good status', type: 'LoadBalancer', ingress: { ip: '10.0.8.1', ipMode: 'Proxy' }, want: [] },
];

for (const { name, type, ingress, want } of statuses) {
  test(`status, ${name}: ${JSON.stringify(ingress)}`, () => {
    const previous = serviceOf({ type });
    const next = { ...previous, status: { loadBalancer: { ingress: [ingress] } } };
    assert.deepEqual(validateServiceStatusUpdate(next, previous).map(printFieldError), want);
  });
}
