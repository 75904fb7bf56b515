/** Objects, revisions, history. */
export * from './store.ts';
export * from './memory-store.ts';
export * from './sqlite-journal.ts';
