"""The list of tests: each file test_*.py adds its functions with @test."""
TESTS = []


def test(function):
    """A test takes the Mesh in its default state, and need not put that back."""
    TESTS.append(function)
    return function
