// Objects of the Kubernetes API, a JSON array on stdin, against the schemas of its OpenAPI document: prints what is wrong, a line each.
import { readFileSync } from "node:fs";

for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const { apiVersion, kind, metadata } = object;
  try {
    const models = await import(`kubernetes-models/${apiVersion}/${kind}`);
    new models[kind](object).validate();
  } catch (error) {
    console.log(`${kind} ${metadata.name}: ${error.message}`);
  }
}
