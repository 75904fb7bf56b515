/** The name server: wire codec, decision, UDP and TCP service. */
export * from './answer-writer.ts';
export * from './cache.ts';
export * from './feed.ts';
export * from './forward.ts';
export * from './message.ts';
export * from './protocol.ts';
export * from './query.ts';
export * from './query-handler.ts';
export * from './responder.ts';
export * from './server.ts';
export * from './shuffle.ts';
export * from './tcp-service.ts';
export * from './udp-service.ts';
export * from './upstream.ts';
export * from './upstream-line.ts';
