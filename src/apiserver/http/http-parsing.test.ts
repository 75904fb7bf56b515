import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { negotiateDiscovery, negotiateObject, parseMediaType } from './media-type.ts';
import { parseResourcePath } from './request-info.ts';

describe('a path is read by rule', () => {
  const cases: readonly [path: string, want: string | undefined][] = [
    ['/api/v1/pods', '|v1|pods|||'],
    ['/api/v1/namespaces', '|v1|namespaces|||'],
    ['/api/v1/namespaces/x', '|v1|namespaces||x|'],
    ['/api/v1/namespaces/x/status', '|v1|namespaces||x|status'],
    ['/api/v1/namespaces/x/finalize', '|v1|namespaces||x|finalize'],
    ['/api/v1/namespaces/x/pods', '|v1|pods|x||'],
    ['/api/v1/namespaces/x/pods/', '|v1|pods|x||'],
    ['/api/v1/namespaces/x/pods/p', '|v1|pods|x|p|'],
    ['/api/v1/namespaces/x/pods/p/log', '|v1|pods|x|p|log'],
    ['/apis/apps/v1/namespaces/x/deployments/d/scale', 'apps|v1|deployments|x|d|scale'],
    ['/apis/networking.k8s.io/v1/ipaddresses/fd00:10:96::1', 'networking.k8s.io|v1|ipaddresses||fd00:10:96::1|'],
    ['/apis/networking.k8s.io/v1/ipaddresses/fd00%3A%3A1', 'networking.k8s.io|v1|ipaddresses||fd00::1|'],
    ['/api/v1/namespaces/x/services/https:s:web/proxy', '|v1|services|x|https:s:web|proxy'],
    ['/api/v1', undefined],
    ['/apis/apps', undefined],
    ['/apis/apps/v1', undefined],
    ['/api', undefined],
    ['/healthz', undefined],
    ['/', undefined],
    ['//', undefined],
    ['/apis//v1/x', undefined],
  ];
  for (const [path, want] of cases) {
    test(path, () => {
      const found = parseResourcePath(path);
      const text = found && [found.group, found.version, found.plural, found.namespace, found.name, found.subresource].join('|');
      assert.equal(text, want);
    });
  }

  test('what follows a proxy keeps its own encoding, and no slash differs from a slash', () => {
    const base = '/api/v1/namespaces/x/pods/p/proxy';
    assert.equal(parseResourcePath(base)?.rest, undefined);
    assert.equal(parseResourcePath(`${base}/`)?.rest, '');
    assert.equal(parseResourcePath(`${base}/a%2Fb/c@d`)?.rest, 'a%2Fb/c@d');
  });

  test('the legacy watch prefix is a watch', () => {
    const found = parseResourcePath('/api/v1/watch/namespaces/x/pods');
    assert.equal(found?.isWatchPath, true);
    assert.equal(found?.plural, 'pods');
    assert.equal(found?.namespace, 'x');
  });
});

describe('the form of an answer follows the Accept header', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const cases: readonly [accept: string | undefined, want: unknown][] = [
    [undefined, { mediaType: 'application/json' }],
    ['*/*', { mediaType: 'application/json' }],
    ['application/json, */*', { mediaType: 'application/json' }],
    ['application/vnd.kubernetes.protobuf,application/json', { mediaType: 'application/json' }],
    [
      `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`,
      { mediaType: 'application/json', as: 'Table', version: 'v1' },
    ],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', { mediaType: 'application/json' }],
    ['application/json;q=0.5,application/yaml', { mediaType: 'application/yaml' }],
    ['application/json;charset=utf-8', { mediaType: 'application/json' }],
    ['text/html', undefined],
    ['application/cbor', undefined],
    ['application/vnd.kubernetes.protobuf', undefined],
  ];
  for (const [accept, want] of cases) test(String(accept), () => assert.deepEqual(negotiateObject(accept), want));
});

describe('discovery answers the version that was asked for', () => {
  const form = (version: string, more = '') =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList${more}`;
  const cases: readonly [accept: string | undefined, want: string | undefined][] = [
    [`${form('v2')},${form('v2beta1')},application/json`, 'v2'],
    [`${form('v2beta1')},application/json`, 'v2beta1'],
    [`${form('v2', ';profile=nopeer')},${form('v2')},application/json`, 'v2'],
    ['application/json', 'legacy'],
    [undefined, 'legacy'],
    ['image/png', undefined],
  ];
  for (const [accept, want] of cases) test(String(accept), () => assert.equal(negotiateDiscovery(accept), want));
});

test('a media type has a slash and its parameters lose their quotes', () => {
  assert.equal(parseMediaType('json'), undefined);
  assert.deepEqual(parseMediaType('Application/JSON; charset="utf-8"'), {
    type: 'application/json',
    parameters: new Map([['charset', 'utf-8']]),
  });
});
