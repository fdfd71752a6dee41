// Starts a part of Tito on the address of its machine: MACHINE_ADDRESS where the machine has one of its own.
const [part] = process.argv.slice(2);
if (process.env.MACHINE_ADDRESS) process.env.ADDRESS = process.env.MACHINE_ADDRESS;
await import(`./${part}`);
