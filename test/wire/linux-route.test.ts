/** Links, addresses, routes and rules: as the kernel lists them after we asked for them. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { NetlinkError, RouteSocket, isAlreadyThere, openNetlink, type Route } from '../../src/linux/index.ts';
import { formatCidr, formatIp, mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { hasCode } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const route = new RouteSocket(openNetlink('route'));

  before(() => {
    route.setUp('lo');
    route.addVeth({ name: 'a', peer: 'a-peer', mac: '02:00:00:00:00:01', peerMac: '02:00:00:00:00:02', mtu: 1400 });
    route.addVeth({ name: 'b', peer: 'b-peer' });
    route.addBridge('bridge');
    route.setMaster('b-peer', 'bridge');
    for (const link of ['a', 'a-peer', 'b', 'b-peer', 'bridge']) route.setUp(link);
    for (const [link, address] of [
      ['a', '10.1.0.1/24'],
      ['a', 'fd01::1/64'],
      ['b', '10.2.0.1/24'],
      ['b', 'fd02::1/64'],
    ] as const) {
      route.addAddress(link, mustParseCidr(address));
    }
  });

  describe('links', () => {
    test('are listed with kind, mtu, mac, bridge and state', () => {
      const links = new Map(route.listLinks().map((link) => [link.name, link]));
      const a = links.get('a');
      assert.equal(a?.kind, 'veth');
      assert.equal(a.mtu, 1400);
      assert.equal(a.mac, '02:00:00:00:00:01');
      assert.ok(a.isUp);
      assert.equal(links.get('a-peer')?.mtu, 1400);
      assert.equal(links.get('a-peer')?.mac, '02:00:00:00:00:02');
      assert.equal(links.get('b-peer')?.master, links.get('bridge')?.index);
    });

    test('change', () => {
      route.addVeth({ name: 'changing', peer: 'other' });
      route.setMtu('changing', 1300);
      route.setMac('changing', '02:00:00:00:00:77');
      route.renameLink('changing', 'changed');
      route.setUp('changed');
      const link = route.getLink('changed');
      assert.deepEqual([link?.mtu, link?.mac, link?.isUp], [1300, '02:00:00:00:00:77', true]);
      route.setDown('changed');
      assert.equal(route.getLink('changed')?.isUp, false);
      route.setMaster('other', 'bridge');
      route.setMaster('other', undefined);
      assert.equal(route.getLink('other')?.master, undefined);
      route.deleteLink('changed');
      assert.equal(route.getLink('other'), undefined, 'its peer is gone as well');
    });

    test('that are missing or there already say so', () => {
      assert.throws(
        () => route.setUp('nothing'),
        (error) => hasCode(error, 'ENODEV') && String(error).includes('nothing'),
      );
      assert.throws(() => route.addBridge('bridge'), isAlreadyThere);
      assert.throws(() => route.setMac('a', 'zz'), TypeError);
    });
  });

  describe('addresses', () => {
    test('of both families are usable at once', () => {
      const index = route.getLink('a')?.index;
      const texts = route.listAddresses().filter((each) => each.linkIndex === index && !each.isTentative);
      assert.deepEqual(texts.map((each) => formatCidr(each.address)).slice(0, 2), ['10.1.0.1/24', 'fd01::1/64']);
    });

    test('go, and a second one of the same is refused with its text', () => {
      assert.throws(
        () => route.addAddress('a', mustParseCidr('10.1.0.1/24')),
        (error) => isAlreadyThere(error) && error instanceof NetlinkError && error.facts.subject === '10.1.0.1/24 dev a',
      );
      route.addAddress('a', mustParseCidr('10.5.0.1/32'));
      route.deleteAddress('a', mustParseCidr('10.5.0.1/32'));
      assert.ok(!route.listAddresses('IPv4').some((each) => formatCidr(each.address) === '10.5.0.1/32'));
    });
  });

  describe('routes', () => {
    const find = (dst: string | undefined, family: 'IPv4' | 'IPv6' = 'IPv4'): string | undefined => {
      const found = route
        .listRoutes(family)
        .find((each) => each.table !== 255 && (each.dst === undefined ? undefined : formatCidr(each.dst)) === dst);
      if (found === undefined) return undefined;
      const ways = found.multipath?.map((hop) => `${hop.via === undefined ? '' : formatIp(hop.via)}*${hop.weight}`).join(' ');
      return ways ?? `${found.type} ${found.via === undefined ? '' : formatIp(found.via)}`.trim();
    };

    const cases: readonly {
      readonly name: string;
      readonly route: Route;
      readonly dst: string | undefined;
      readonly want: string;
    }[] = [
      {
        name: 'by way of a gateway',
        route: { dst: mustParseCidr('10.9.0.0/16'), via: mustParseIp('10.1.0.9') },
        dst: '10.9.0.0/16',
        want: 'unicast 10.1.0.9',
      },
      {
        name: 'over a link',
        route: { dst: mustParseCidr('10.10.0.0/16'), dev: 'b', src: mustParseIp('10.2.0.1') },
        dst: '10.10.0.0/16',
        want: 'unicast',
      },
      { name: 'default', route: { via: mustParseIp('10.1.0.2') }, dst: undefined, want: 'unicast 10.1.0.2' },
      {
        name: 'into nothing',
        route: { dst: mustParseCidr('10.11.0.0/16'), type: 'unreachable' },
        dst: '10.11.0.0/16',
        want: 'unreachable',
      },
      {
        name: 'to oneself',
        route: { dst: mustParseCidr('10.12.0.0/16'), type: 'local', dev: 'lo', table: 254 },
        dst: '10.12.0.0/16',
        want: 'local',
      },
      {
        name: 'onlink',
        route: { dst: mustParseCidr('10.13.0.0/16'), via: mustParseIp('192.0.2.1'), dev: 'a', onlink: true },
        dst: '10.13.0.0/16',
        want: 'unicast 192.0.2.1',
      },
      {
        name: 'in a table with a large number',
        route: { dst: mustParseCidr('10.14.0.0/16'), dev: 'a', table: 1000, metric: 7 },
        dst: '10.14.0.0/16',
        want: 'unicast',
      },
      {
        name: 'IPv4 by way of IPv6',
        route: { dst: mustParseCidr('10.15.0.0/16'), via: mustParseIp('fd01::9'), dev: 'a' },
        dst: '10.15.0.0/16',
        want: 'unicast fd01::9',
      },
      {
        name: 'several ways',
        route: {
          dst: mustParseCidr('10.0.8.1/32'),
          multipath: [{ via: mustParseIp('10.1.0.3') }, { via: mustParseIp('10.2.0.3'), dev: 'b', weight: 3 }],
        },
        dst: '10.0.8.1/32',
        want: '10.1.0.3*1 10.2.0.3*3',
      },
      {
        name: 'several ways, IPv6',
        route: {
          dst: mustParseCidr('fd08::1/128'),
          multipath: [{ via: mustParseIp('fd01::3') }, { via: mustParseIp('fd02::3'), weight: 2 }],
        },
        dst: 'fd08::1/128',
        want: 'fd01::3*1 fd02::3*2',
      },
    ];
    for (const { name, route: given, dst, want } of cases) {
      test(`${name}: comes and goes`, () => {
        const family = dst?.includes(':') === true ? 'IPv6' : 'IPv4';
        route.addRoute(given);
        assert.equal(find(dst, family), want);
        assert.throws(() => route.addRoute(given), isAlreadyThere);
        route.deleteRoute(given);
        assert.equal(find(dst, family), undefined);
      });
    }

    for (const [family, dst, first, second, third] of [
      ['IPv4', '10.0.8.2/32', '10.1.0.3', '10.2.0.3', '10.2.0.4'],
      ['IPv6', 'fd08::2/128', 'fd01::3', 'fd02::3', 'fd02::4'],
    ] as const) {
      test(`${family}: the ways are replaced in one step, and go together`, () => {
        const to = { dst: mustParseCidr(dst) };
        const via = (text: string): { via: ReturnType<typeof mustParseIp> } => ({ via: mustParseIp(text) });
        route.replaceRoute({ ...to, multipath: [via(first), via(second)] });
        route.replaceRoute({ ...to, multipath: [via(first), via(second), via(third)] });
        assert.equal(find(dst, family), `${first}*1 ${second}*1 ${third}*1`);
        route.replaceRoute({ ...to, multipath: [via(second)] });
        assert.equal(find(dst, family), `unicast ${second}`);
        route.replaceRoute({ ...to, multipath: [via(first), via(second)] });
        route.deleteRoute(to);
        assert.equal(find(dst, family), undefined);
      });
    }

    test('that cannot be say why', () => {
      assert.throws(
        () => route.addRoute({ dst: mustParseCidr('10.20.0.0/16'), via: mustParseIp('203.0.113.1') }),
        (error) =>
          error instanceof NetlinkError && error.facts.code === 'ENETUNREACH' && error.facts.reason?.includes('gateway') === true,
      );
      assert.throws(
        () => route.deleteRoute({ dst: mustParseCidr('10.20.0.0/16') }),
        (error) => hasCode(error, 'ESRCH'),
      );
    });
  });

  test('rules and neighbours come and go', () => {
    const rule = { family: 'IPv4' as const, priority: 100, src: mustParseCidr('10.66.0.0/16'), table: 1000 };
    route.addRule(rule);
    assert.ok(
      route.listRules('IPv4').some((each) => each.priority === 100 && each.table === 1000 && each.src?.prefixLength === 16),
    );
    route.deleteRule(rule);
    assert.ok(!route.listRules('IPv4').some((each) => each.priority === 100));
    route.addNeighbour('a', mustParseIp('10.1.0.50'), '02:00:00:00:00:50');
    const neighbour = route.listNeighbours('IPv4').find((each) => formatIp(each.address) === '10.1.0.50');
    assert.equal(neighbour?.mac, '02:00:00:00:00:50');
  });
}
