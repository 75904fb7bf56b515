import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { coversNames, mintAuthority, mintCertificate } from './certificates.ts';

const now = new Date('2026-01-02T03:04:05Z');

test('a certificate is signed by its authority, which is marked as one', () => {
  const authority = mintAuthority(now);
  const { certificatePem } = mintCertificate(authority, { commonName: 'server', dnsNames: ['localhost'], use: 'server' }, now);
  const ca = new X509Certificate(authority.certificatePem);
  const leaf = new X509Certificate(certificatePem);
  assert.equal(ca.ca, true);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.verify(ca.publicKey), true);
  assert.equal(leaf.checkIssued(ca), true);
  assert.equal(leaf.verify(new X509Certificate(mintAuthority(now).certificatePem).publicKey), false);
});

test('a certificate covers its names and addresses of both families and no others', () => {
  const names = { dnsNames: ['localhost', 'kubernetes.default.svc'], addresses: ['127.0.0.1', 'fd00:10:96::1'] };
  const pair = mintCertificate(mintAuthority(now), { ...names, commonName: 'server', use: 'server' }, now);
  assert.equal(coversNames(pair, names, now), true);
  assert.equal(coversNames(pair, { dnsNames: ['kubernetes'] }, now), false);
  assert.equal(coversNames(pair, { addresses: ['127.0.0.2'] }, now), false);
  assert.equal(coversNames(pair, names, new Date('2040-01-01T00:00:00Z')), false, 'no longer valid by then');
});

test('a client certificate carries user and groups', () => {
  const pair = mintCertificate(mintAuthority(now), { commonName: 'jane', organizations: ['a', 'b'], use: 'client' }, now);
  assert.equal(new X509Certificate(pair.certificatePem).subject, 'O=a\nO=b\nCN=jane');
});
