// Prints the client's error tree: each name with its parent's.
// node errors.mjs CLIENT

const [, , module] = process.argv;
const exported = Object.values(await import(module));
const errors = exported.filter((value) => value.prototype instanceof Error);
console.log(JSON.stringify(Object.fromEntries(errors.map((kind) => [new kind("").name, new (Object.getPrototypeOf(kind))("").name]))));
