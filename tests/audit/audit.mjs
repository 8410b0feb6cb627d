// The GraphQL-over-HTTP audit: npm install, then node audit.mjs URL. It needs a running server.
import { auditServer } from "graphql-http";

const EXPECTED = 61;
const [url] = process.argv.slice(2);
if (!url) {
  console.error("Usage: node audit.mjs URL");
  process.exit(2);
}

const results = await auditServer({ url });
const failed = results.filter(({ status }) => status !== "ok");
for (const { id, name, status, reason } of failed) console.log(`${status} ${id} ${name}: ${reason}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && results.length === EXPECTED ? 0 : 1);
