// Reads the AsyncAPI documents named on the command line with the official parser; `make asyncapi-validate` runs it.
const fs = require('node:fs');
const { Parser } = require('@asyncapi/parser');

const ERROR = 0;
const WARNING = 1;

async function main(files) {
  let failed = files.length === 0;
  for (const file of files) {
    const { document, diagnostics } = await new Parser().parse(fs.readFileSync(file, 'utf8'), { source: file });
    for (const found of diagnostics.filter((each) => each.severity <= WARNING)) {
      console.log(`${file}: ${found.severity === ERROR ? 'error' : 'warning'} ${found.code} at ${found.path.join('.')}: ${found.message}`);
    }
    failed ||= !document || diagnostics.some((each) => each.severity === ERROR);
    if (document) {
      console.log(`${file}: ${document.channels().length} channels, ${document.operations().length} operations, ${document.messages().length} messages`);
    }
  }
  process.exitCode = failed ? 1 : 0;
}

main(process.argv.slice(2));
