/** 02: Local keeps traffic on the node and the client's address; a node without a pod drops; Cluster answers anywhere and hides the client. */
import { askMany, distinct, failureOf, proof } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const local = await askMany(lab, 'outside', { address: '10.0.1.1', port: 30002 }, 40);
  const nodes = distinct(local.map((answer) => answer.node));
  const pods = distinct(local.map((answer) => answer.pod));
  const clients = distinct(local.map((answer) => answer.client));
  const silence = await failureOf(lab, 'outside', { address: '10.0.1.3', port: 30002 }, 700);
  const cluster = await askMany(lab, 'outside', { address: '10.0.1.3', port: 30012 }, 30);
  const hidden = distinct(cluster.map((answer) => answer.client));
  const anywhere = distinct(cluster.map((answer) => answer.node));
  const passed =
    nodes.join() === 'node-1' &&
    pods.length === 2 &&
    clients.join() === '10.0.9.1' &&
    silence === 'timeout' &&
    !hidden.includes('10.0.9.1') &&
    anywhere.length === 2;
  return proof(
    passed,
    `Local: node-1 answers with its own ${pods.length} pods, which see ${clients.join()}; node-3, without a pod: ${silence}; Cluster: any pod, client hidden`,
  );
};
