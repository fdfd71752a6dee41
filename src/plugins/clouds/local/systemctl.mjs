// What a machine of the process profile has for systemctl: asks the process that is the machine.
const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith('-'));
const [verb = 'status', ...units] = words.filter((word) => !word.startsWith('-'));
const query = new URLSearchParams({ verb: flags.includes('--now') ? `${verb} --now` : verb });
for (const unit of units) query.append('unit', unit);
const answer = await fetch(`http://${process.env.MACHINE_CONTROL}/?${query}`, {
  headers: { authorization: process.env.MACHINE_TOKEN },
});
const text = await answer.text();
if (text) (answer.ok ? process.stdout : process.stderr).write(`${text}\n`);
process.exitCode = !answer.ok ? 1 : verb === 'is-active' && text !== 'active' ? 3 : 0;
