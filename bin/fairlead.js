#!/usr/bin/env node
// The entry for any Node, however old: says what is missing, or hands over to the program.
// In a published package the program is compiled (dist/); in a clone it runs from its sources.
import { existsSync } from 'node:fs';
import module from 'node:module';

const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`fairlead needs Node 24 or newer, and this is ${process.versions.node}: install a newer Node, or in a clone run ./fairlead, which finds the one that npm ci brought.`);
  process.exit(1);
}
module.enableCompileCache?.();
const compiled = new URL('../dist/cli/main.js', import.meta.url);
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source : compiled);
await main(process.argv.slice(2));
