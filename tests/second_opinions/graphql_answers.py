"""GraphQL that an adapter asks, and what an emulator answers, held against a published schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, execute, parse, validate


def mistakes(schema: GraphQLSchema, query: str) -> Sequence[str]:
    """Fields, arguments and types of variables that the schema does not have."""
    return [error.message for error in validate(schema, parse(query))]


def misfits(schema: GraphQLSchema, query: str, variables: Mapping[str, Any], data: Any) -> Sequence[str]:
    """What is wrong with `data` as the answer to `query`: it is resolved as the schema has it, and nothing may be
    missing, left over or of another type afterwards."""
    result = execute(schema, parse(query), root_value=data, variable_values=dict(variables))
    assert isinstance(result, ExecutionResult)
    found = [error.message for error in result.errors or ()]
    return found or ([] if result.data == data else [f"{data} should be {result.data}"])
