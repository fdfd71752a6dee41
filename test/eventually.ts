export { patiently as eventually } from '../src/demo/patiently.ts';
